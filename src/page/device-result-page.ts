/** The person has decided about a device, and may leave. Dex's device_success.html. */
import { type Html, html } from "./html.ts";
import { layout, name, type PageContext, statusSign } from "./layout.ts";
import { wordsOf } from "./messages.ts";

export interface DeviceResultPageProps {
  readonly kind: "approved" | "denied";
  readonly clientName: string;
}

export function deviceResultPage(context: PageContext, props: DeviceResultPageProps): Html {
  const words = wordsOf(context.locale);
  const isApproved = props.kind === "approved";
  const title = words.text(isApproved ? "device.success.title" : "device.denied.title");
  const client = html`<strong>${name(props.clientName)}</strong>`;
  return layout(context, {
    title,
    panelClass: "dex-result",
    content: html`${statusSign(isApproved ? "done" : "problem")}
<h1 class="theme-heading">${title}</h1>
<p class="dex-subtle-text">${words.rich(isApproved ? "device.success.explain" : "device.denied.explain", { client })}</p>`,
  });
}
