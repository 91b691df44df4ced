/** What our mails say: subject, plain text and HTML of the same sentences, from the catalogues of the pages. */
import { html } from "./html.ts";
import { type Locale, type Words, wordsOf } from "./messages.ts";

interface Trace {
  readonly ipAddress: string;
  /** Empty when the browser does not say. */
  readonly device: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export type MailProps =
  | { readonly kind: "verify" | "email"; readonly link: string }
  | { readonly kind: "reset"; readonly link: string; readonly ipAddress: string }
  | ({ readonly kind: "passwordChanged" | "emailChanged" | "newDevice" } & Trace);

export interface MailContext {
  readonly locale: Locale;
  readonly issuerName: string;
}

export interface WrittenMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

interface Parts {
  readonly subject: string;
  readonly before: readonly string[];
  readonly link?: string;
  readonly after: readonly string[];
}

function partsOf(words: Words, issuer: string, props: MailProps): Parts {
  switch (props.kind) {
    case "verify":
    case "email":
      return {
        subject: words.text(`mail.${props.kind}.subject`, { issuer }),
        before: [words.text(`mail.${props.kind}.explain`, { issuer })],
        link: props.link,
        after: [words.text(`mail.${props.kind}.ignore`)],
      };
    case "reset":
      return {
        subject: words.text("mail.reset.subject", { issuer }),
        before: [words.text("mail.reset.explain", { issuer, address: props.ipAddress })],
        link: props.link,
        after: [words.text("mail.reset.ignore")],
      };
    case "passwordChanged":
    case "emailChanged":
    case "newDevice":
      return {
        subject: words.text(`mail.${props.kind}.subject`, { issuer }),
        before: [words.text(`mail.${props.kind}.explain`, { issuer }), traceOf(words, props)],
        after: [words.text("mail.notice.advice")],
      };
    default:
      return props satisfies never;
  }
}

function traceOf(words: Words, { ipAddress, device, at }: Trace): string {
  const time = `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return words.text("mail.notice.trace", {
    device: device === "" ? words.text("account.unknownDevice") : device,
    address: ipAddress,
    time,
  });
}

/** No picture and no tracking; the link is written out, so that a person sees where it leads. */
export function mailMessage({ locale, issuerName }: MailContext, props: MailProps): WrittenMail {
  const { subject, before, link, after } = partsOf(wordsOf(locale), issuerName, props);
  const paragraphs = [...before, ...(link === undefined ? [] : [link]), ...after];
  const body = html`<!DOCTYPE html>
<html lang="${locale}">
<head><meta charset="utf-8"><title>${subject}</title></head>
<body>
${before.map((text) => html`<p>${text}</p>\n`)}
${link !== undefined && html`<p><a href="${link}">${link}</a></p>`}
${after.map((text) => html`<p>${text}</p>\n`)}
</body>
</html>
`;
  return { subject: subject.replace(/\p{Cc}+/gu, " "), text: `${paragraphs.join("\n\n")}\n`, html: body.toString() };
}
