/** An operation of operations/, as generated: what is sent, and the types of what goes in and comes out. */
export interface Operation<Kind extends 'query' | 'mutation' | 'subscription', Data, Variables> {
  readonly kind: Kind;
  readonly name: string;
  /** Whether its input takes an idempotency key. */
  readonly idempotent: boolean;
  /** By which a service that runs trusted documents only knows it. */
  readonly digest: string;
  readonly text: string;
  /** Never there: it carries the types. */
  readonly types?: { data: Data; variables: Variables };
}
