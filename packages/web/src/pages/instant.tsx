export interface InstantProps {
  readonly at: Date;
  /** From `instantFormatter`. */
  readonly text: string;
}

/** An instant a person reads and a machine can: `<time datetime>` in UTC. */
export function Instant({ at, text }: InstantProps) {
  return <time datetime={Number.isNaN(at.getTime()) ? undefined : at.toISOString()}>{text}</time>;
}
