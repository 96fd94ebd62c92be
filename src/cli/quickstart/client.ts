/** The quickstart is a client like any other: GraphQL over HTTP, and over a WebSocket for what happens live. */
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { TeddyhubError } from '../../domain/errors.js';

export interface GraphqlClient {
  /** One operation over HTTP; what it answers is parsed by `answer`. Throws with the server's own line. */
  request<T>(document: string, variables: Record<string, unknown>, answer: z.ZodType<T>): Promise<T>;
  /** A mutation whose payload may hold `userErrors`: the first of them is thrown. */
  mutate<T>(document: string, input: Record<string, unknown>, answer: z.ZodType<T>): Promise<T>;
  /** Calls `onEvent` for each event until the server ends the subscription. */
  subscribe<T>(
    document: string,
    variables: Record<string, unknown>,
    answer: z.ZodType<T>,
    onEvent: (event: T) => void,
  ): Promise<void>;
  close(): Promise<void>;
}

const response = z.object({
  data: z.unknown().optional(),
  errors: z.array(z.object({ message: z.string() })).optional(),
});

const withUserErrors = z.record(z.string(), z.object({ userErrors: z.array(z.object({ message: z.string() })) }));

export function openClient(url: string, key: string): GraphqlClient {
  const sockets = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
    lazy: true,
    retryAttempts: 5,
  });

  const send = async (document: string, variables: Record<string, unknown>): Promise<unknown> => {
    const reply = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query: document, variables }),
    }).catch((cause: unknown) => {
      throw new TeddyhubError('UNAVAILABLE', `The API at ${url} does not answer.`, { cause });
    });
    const { data, errors } = response.parse(await reply.json());
    if (errors?.[0] !== undefined)
      throw new TeddyhubError('INVALID_INPUT', `The API refused the request: ${errors[0].message}`);
    return data;
  };

  return {
    async request(document, variables, answer) {
      return answer.parse(await send(document, variables));
    },
    async mutate(document, input, answer) {
      const data = await send(document, { input });
      for (const payload of Object.values(withUserErrors.parse(data))) {
        if (payload.userErrors[0] !== undefined)
          throw new TeddyhubError('INVALID_INPUT', payload.userErrors[0].message);
      }
      return answer.parse(data);
    },
    async subscribe(document, variables, answer, onEvent) {
      for await (const { data, errors } of sockets.iterate({ query: document, variables })) {
        if (errors?.[0] !== undefined)
          throw new TeddyhubError('UNAVAILABLE', `The subscription failed: ${errors[0].message}`);
        onEvent(answer.parse(data));
      }
    },
    close: async () => sockets.dispose(),
  };
}
