import type { ReactNode } from "react";

/** One step of a path: its number, what to do, and what was chosen. */
export function Step({
  n,
  title,
  note,
  children,
}: {
  n: number;
  title: string;
  note?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="card step" aria-label={title}>
      <div className="step-number" aria-hidden="true">
        {n}
      </div>
      <div className="stack">
        <div>
          <h2>{title}</h2>
          {note && <p className="muted">{note}</p>}
        </div>
        {children}
      </div>
    </section>
  );
}

/** Things of which one is chosen. */
export function Tiles<T>({
  of,
  keyOf,
  chosen,
  choose,
  children,
}: {
  of: T[];
  keyOf: (one: T) => string;
  chosen: string | undefined;
  choose: (one: T) => void;
  children: (one: T) => ReactNode;
}) {
  return (
    <div className="tiles">
      {of.map((one) => {
        const key = keyOf(one);
        return (
          <button
            type="button"
            key={key}
            className={key === chosen ? "tile chosen" : "tile"}
            aria-pressed={key === chosen}
            onClick={() => choose(one)}
          >
            {children(one)}
          </button>
        );
      })}
    </div>
  );
}
