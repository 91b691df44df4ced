import { connect, createServer, type Socket } from "node:net";

/** A TCP line on 127.0.0.1 to a local port, which can break. */
export interface BreakableLine {
  readonly address: string;
  readonly connections: number;
  /** The next bytes of an answer are thrown away with their connection. */
  loseNextAnswer(): void;
  close(): Promise<void>;
}

export async function startBreakableLine(to: number): Promise<BreakableLine> {
  const sockets = new Set<Socket>();
  let isLosing = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  };
  const server = createServer((near) => {
    const far = connect(to, "127.0.0.1");
    keep(near);
    keep(far);
    near.pipe(far);
    far.on("data", (bytes) => {
      if (!isLosing) return void near.write(bytes);
      isLosing = false;
      near.destroy();
      far.destroy();
    });
    far.on("close", () => near.destroy());
    near.on("close", () => far.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return {
    address: `http://127.0.0.1:${address.port}`,
    get connections() {
      return sockets.size / 2;
    },
    loseNextAnswer() {
      isLosing = true;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
