/** One coloured part of a bar. */
export type Part = { name: string; amount: bigint; colour: number };

/** Amounts side by side, in proportion to `whole`. */
export function Bar({ parts, whole }: { parts: Part[]; whole: bigint }) {
  return (
    <span className="bars" aria-hidden="true">
      {parts.map(({ name, amount, colour }) => (
        <span
          key={name}
          title={name}
          className={`part part-${colour}`}
          style={{ width: `${whole === 0n ? 0 : Number((amount * 10_000n) / whole) / 100}%` }}
        />
      ))}
    </span>
  );
}
