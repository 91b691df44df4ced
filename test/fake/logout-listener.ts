import { bodyOf, type LoopbackServer, loopbackServer } from "./loopback-server.ts";

/** A post that a client got at its back-channel logout address. */
export interface HeardPost {
  readonly path: string;
  readonly contentType: string | undefined;
  readonly token: string;
}

/** A client's end of OIDC Back-Channel Logout §2.5. It answers 200 unless told otherwise. */
export interface LogoutListener {
  readonly url: string;
  readonly heard: readonly HeardPost[];
  /** How the next posts are answered; the last of them stays. `away` drops the connection. */
  answer(...how: readonly (number | "away" | "silent" | { readonly to: string })[]): void;
  /** Resolves once `count` posts have come in all. Rejects after ten seconds. */
  until(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function logoutListener(port?: LoopbackServer): Promise<LogoutListener> {
  const heard: HeardPost[] = [];
  let answers: (number | "away" | "silent" | { readonly to: string })[] = [200];
  const server =
    port ??
    (await loopbackServer(async (request, response) => {
      const form = new URLSearchParams(await bodyOf(request));
      const contentType = request.headers["content-type"];
      heard.push({ path: request.url ?? "", contentType, token: form.get("logout_token") ?? "" });
      const how = answers.length > 1 ? answers.shift() : answers[0];
      if (how === "silent") return;
      if (how === "away") request.socket.destroy();
      else if (typeof how === "object") response.writeHead(302, { location: how.to }).end();
      else response.writeHead(how ?? 200).end();
    }));
  return {
    url: server.url,
    heard,
    answer(...how) {
      answers = [...how];
    },
    async until(count) {
      const end = performance.now() + 10_000;
      while (heard.length < count) {
        if (performance.now() > end) throw new Error(`${heard.length} of ${count} posts came`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    close: () => server.close(),
  };
}
