import { text } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import type { Provider } from "./provider.ts";

/** `/healthz`: whether the database answers. However often it is asked, the database is asked once in five seconds. */
export async function healthEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const { error } = await provider.health.look();
  if (error === undefined) return text(200, "Health check passed");
  request.logger.error("health check failed", { err: error });
  throw new PageError(500, "refusal.unhealthy");
}
