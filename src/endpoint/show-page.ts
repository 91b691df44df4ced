import { html } from "../http/answers.ts";
import type { HttpAnswer } from "../http/contract.ts";
import type { Html } from "../page/html.ts";

/** A page as an answer. */
export const showPage = (status: number, page: Html): HttpAnswer => html(status, page.toString());
