import { text } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import type { Provider } from "./provider.ts";

/** How long storage may take to answer before it counts as away, in milliseconds. */
const patience = 2_000;

/** `/healthz`: whether storage answers. It reads one record and writes none. */
export async function healthEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  try {
    const asked = provider.storage.keys.get("keys");
    await Promise.race([asked, rejectAfter(patience)]);
  } catch (error) {
    request.logger.error("health check failed", {}, error);
    throw new PageError(500, "Health check failed.", { cause: error });
  }
  return text(200, "Health check passed");
}

const rejectAfter = (span: number): Promise<never> =>
  new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error("storage did not answer in time")), span).unref();
  });
