import type { Config } from "../config/config.ts";
import type { Note } from "../config/mistake.ts";
import { formatDuration } from "../kernel/duration.ts";
import { levelName, levels } from "../kernel/log-level.ts";
import type { Logger } from "../kernel/ports.ts";
import { version } from "../server/version.ts";
import { platform } from "./version.ts";

/** The first lines of the log: what was configured, in Dex's words and order, then what deserves a warning. */
export function announce(config: Config, warnings: readonly Note[], logger: Logger): void {
  const { runtime, os, arch } = platform;
  logger.info("Version info", { dex_version: version, node: { version: runtime, os, arch } });
  const { level } = config.logger;
  if (level !== levels.info) logger.info("config using log level", { level: levelName(level) });
  logger.info("config issuer", { issuer: config.issuer });
  announceRecords(config, logger);
  announceProtocol(config, logger);
  announceExpiry(config, logger);
  for (const { message, path, line, hint, didYouMean, fields } of warnings) {
    logger.warn(message, { ...fields, path, ...(line === 0 ? {} : { line }), did_you_mean: didYouMean, hint });
  }
}

function announceRecords({ staticClients, connectors, enablePasswordDB }: Config, logger: Logger): void {
  for (const { name } of staticClients) logger.info("config static client", { client_name: name });
  for (const { id } of connectors) logger.info("config connector", { connector_id: id });
  if (enablePasswordDB) logger.info("config connector: local passwords enabled");
}

function announceProtocol({ oauth2, web, flags }: Config, logger: Logger): void {
  logger.info("config response types accepted", { response_types: oauth2.responseTypes });
  if (oauth2.skipApprovalScreen) logger.info("config skipping approval screen");
  const { passwordConnector } = oauth2;
  if (passwordConnector !== undefined) {
    logger.info("config using password grant connector", { password_connector: passwordConnector });
  }
  if (web.allowedOrigins.length > 0) logger.info("config allowed origins", { origins: web.allowedOrigins });
  if (flags.DEX_CONTINUE_ON_CONNECTOR_FAILURE) logger.info("continue on connector failure feature flag enabled");
}

function announceExpiry({ expiry }: Config, logger: Logger): void {
  logger.info("config id tokens", { valid_for: formatDuration(expiry.idTokens) });
  logger.info("config auth requests", { valid_for: formatDuration(expiry.authRequests) });
  logger.info("config device requests", { valid_for: formatDuration(expiry.deviceRequests) });
  const { validIfNotUsedFor, absoluteLifetime, reuseInterval, disableRotation } = expiry.refreshTokens;
  const spans = {
    valid_if_not_used_for: validIfNotUsedFor,
    absolute_lifetime: absoluteLifetime,
    reuse_interval: reuseInterval,
  };
  for (const [name, span] of Object.entries(spans)) {
    if (span !== 0) logger.info("config refresh tokens", { [name]: formatDuration(span) });
  }
  logger.info("config refresh tokens rotation", { enabled: !disableRotation });
}
