import { assetUrl } from "./asset-url.ts";
import { type Html, html } from "./html.ts";
import type { PageContext } from "./layout.ts";

export interface CheckSessionPageProps {
  /** The cookie that holds the browser's state. */
  readonly cookie: string;
}

/** A frame without anything to see: its script answers the application around it. OIDC Session Management §3.2. */
export function checkSessionPage(context: PageContext, { cookie }: CheckSessionPageProps): Html {
  const script = assetUrl(context.serverPath, context.requestPath, "static/check-session.js");
  return html`<!DOCTYPE html>
<html lang="${context.locale}">
<head>
<meta charset="utf-8">
<meta name="robots" content="noindex">
<title>${context.issuerName}</title>
<script src="${script}" data-cookie="${cookie}"></script>
</head>
<body></body>
</html>
`;
}
