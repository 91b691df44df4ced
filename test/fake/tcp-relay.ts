import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A cable to `target` on this machine that can be cut, or go silent, and be mended again. */
export interface Relay {
  readonly port: number;
  /** Ends what is open and refuses what comes. */
  cut(): Promise<void>;
  /** Accepts, and lets nothing through. */
  silence(): void;
  mend(): Promise<void>;
  close(): Promise<void>;
}

export async function tcpRelay(target: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let isSilent = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
  };
  const server: Server = createServer((near) => {
    keep(near);
    if (isSilent) return;
    const far = keep(connect(target, "127.0.0.1"));
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    near.on("data", (chunk) => isSilent || far.write(chunk));
    far.on("data", (chunk) => isSilent || near.write(chunk));
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const cut = async (): Promise<void> => {
    const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined;
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port,
    cut,
    silence() {
      isSilent = true;
    },
    async mend() {
      isSilent = false;
      if (!server.listening) await listen(port);
    },
    close: cut,
  };
}
