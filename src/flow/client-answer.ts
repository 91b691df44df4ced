import type { ResponseMode } from "../oauth/response-type.ts";
import { answerUri } from "./answer-uri.ts";
import type { AnswerTarget, FlowOutcome } from "./contract.ts";

export type AnswerParameters = Readonly<Record<string, string | undefined>>;

/** An answer or an error on its way to the client, in the mode of its request. RFC 6749 §4.1.2, Form Post Response Mode §2. */
export function clientAnswer(target: AnswerTarget, parameters: AnswerParameters): FlowOutcome {
  if (target.responseMode !== "form_post") return { go: "redirect", to: answerUri(target, parameters), status: 303 };
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...parameters, state: target.state })) {
    if (value !== undefined) fields[name] = value;
  }
  return { go: "post", to: target.redirectUri, fields, receiver: "client" };
}

/** Whether an answer of this kind can travel so: no token in a query, no form to what is not on the web. */
export function canAnswerBy(mode: ResponseMode, redirectUri: string, isFrontChannel: boolean): boolean {
  if (mode === "query") return !isFrontChannel;
  return mode === "fragment" || /^https?:\/\//i.test(redirectUri);
}
