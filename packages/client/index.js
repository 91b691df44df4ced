import { fileURLToPath } from "node:url";
import { Client, credentials } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** The methods and their types stand in index.d.ts. */
const folder = fileURLToPath(new URL("./proto/", import.meta.url));

export function openAdminClient({ address, tls, timeout = 15_000 }) {
  const channel =
    tls === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null);
  const named =
    tls?.serverName === undefined
      ? {}
      : { "grpc.ssl_target_name_override": tls.serverName, "grpc.default_authority": tls.serverName };
  const client = new Client(address, channel, named);
  const all = loadSync(["api.proto", "admin.proto"], {
    includeDirs: [folder],
    keepCase: true,
    longs: Number,
    defaults: true,
  });
  return {
    dex: callersOf(client, all["api.Dex"], timeout),
    admin: callersOf(client, all["dexts.Admin"], timeout),
    close: () => client.close(),
  };
}

function callersOf(client, service, timeout) {
  return Object.fromEntries(
    Object.entries(service).map(([name, { path, requestSerialize, responseDeserialize }]) => [
      name,
      (request = {}) =>
        new Promise((resolve, reject) => {
          const options = { deadline: Date.now() + timeout };
          client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, options, (error, response) =>
            error === null ? resolve(response) : reject(error),
          );
        }),
    ]),
  );
}
