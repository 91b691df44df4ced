import { OAuthError } from "../oauth/error.ts";
import type { RawRequest } from "./request.ts";

/** What becomes of a body: its bytes, none, or why it could not be read. Called once. */
export type BodyRead = (body: Buffer, refused?: OAuthError) => void;

const noBody = Buffer.alloc(0);
/** Whatever they carry means nothing. RFC 9110 §9.3.1, §9.3.2, §9.3.8. */
const bodyless: ReadonlySet<string | undefined> = new Set(["GET", "HEAD", "TRACE"]);

/**
 * Reads the body of `raw`, at most `limit` bytes. Callbacks instead of a promise, because a request without a body,
 * which most are, then begins at once. The two sizes that count are what was announced and what came.
 */
export function readBody(raw: RawRequest, limit: number, done: BodyRead): void {
  const { headers } = raw;
  const announced = headers["content-length"];
  const isChunked = headers["transfer-encoding"] !== undefined;
  const isStream = "stream" in raw;
  if (bodyless.has(raw.method) || announced === "0" || (announced === undefined && !isChunked && !isStream)) {
    done(noBody);
    return;
  }
  if (Number(announced) > limit) {
    done(noBody, tooLarge());
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  const stop = (): void => {
    raw.off("data", onData).off("end", onEnd).off("error", onError);
  };
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    length += chunk.length;
    if (length <= limit) return;
    stop();
    done(noBody, tooLarge());
  };
  const onEnd = (): void => {
    stop();
    // The end of a stream that was cut off looks like the end of a body.
    if (isStream && raw.stream.aborted) done(noBody, unreadable());
    else done(Buffer.concat(chunks, length));
  };
  const onError = (cause: unknown): void => {
    stop();
    done(noBody, unreadable(cause));
  };
  raw.on("data", onData).on("end", onEnd).on("error", onError);
}

const tooLarge = (): OAuthError => new OAuthError("invalid_request", "request body is too large", { status: 413 });

/** Its client went away, or took too long. */
const unreadable = (cause?: unknown): OAuthError =>
  new OAuthError("invalid_request", "request body could not be read", { status: 400, cause });
