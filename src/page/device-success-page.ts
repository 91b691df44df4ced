/** The device has what it needs; the person may leave. Dex's device_success.html. */
import { type Html, html } from "./html.ts";
import { layout, name, type PageContext, statusSign } from "./layout.ts";
import { wordsOf } from "./messages.ts";

export interface DeviceSuccessPageProps {
  readonly clientName: string;
}

export function deviceSuccessPage(context: PageContext, props: DeviceSuccessPageProps): Html {
  const words = wordsOf(context.locale);
  return layout(context, {
    title: words.text("device.success.title"),
    panelClass: "dex-result",
    content: html`${statusSign("done")}
<h1 class="theme-heading">${words.text("device.success.title")}</h1>
<p class="dex-subtle-text">${words.rich("device.success.explain", { client: html`<strong>${name(props.clientName)}</strong>` })}</p>`,
  });
}
