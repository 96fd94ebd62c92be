/** A network that can be broken: forwards connections to a port, cuts them, and can swallow what comes back. */
import { connect, createServer, type Socket } from 'node:net';

export interface FaultyProxy {
  port: number;
  /** Connections so far. */
  readonly connections: number;
  /** Ends every connection that is open, without a word. */
  cut(): void;
  /** Lets nothing more through on the connections that are open, as where a machine has vanished; new ones are well. */
  freeze(): void;
  /** Of the next so many connections the first answer is lost, and the connection with it. */
  swallowAnswers(count: number): void;
  close(): Promise<void>;
}

export async function openProxy(target: number): Promise<FaultyProxy> {
  const open = new Set<Socket>();
  let connections = 0;
  let swallow = 0;
  const server = createServer((near) => {
    connections += 1;
    const far = connect(target, '127.0.0.1');
    const ends = [near, far];
    const end = () => {
      for (const socket of ends) socket.destroy();
    };
    for (const socket of ends) {
      open.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        open.delete(socket);
        end();
      });
    }
    near.pipe(far);
    far.on('data', (chunk) => {
      if (swallow === 0) return void near.write(chunk);
      swallow -= 1;
      end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get connections() {
      return connections;
    },
    cut,
    freeze() {
      for (const socket of open) socket.unpipe().removeAllListeners('data').pause();
    },
    swallowAnswers(count) {
      swallow = count;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
