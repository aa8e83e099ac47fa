import type { ReactNode } from "react";

/** Head of a page: what it is, what one can do on it. */
export function PageHead({
  title,
  children,
  actions,
}: {
  title: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <div className="page-head">
      <div>
        <h1>{title}</h1>
        {children && <p>{children}</p>}
      </div>
      {actions && <div className="actions">{actions}</div>}
    </div>
  );
}

/** A part of a page in a box of its own. */
export function Card({ title, children, aside }: { title?: ReactNode; children: ReactNode; aside?: ReactNode }) {
  return (
    <section className="card">
      {(title || aside) && (
        <div className="card-head">
          {title && <h2>{title}</h2>}
          {aside}
        </div>
      )}
      {children}
    </section>
  );
}

/** Names and values, a pair a line. */
export function Facts({ of }: { of: Record<string, ReactNode> }) {
  return (
    <dl className="facts">
      {Object.entries(of).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Where something stands, as a coloured word. */
export const Badge = ({ kind, children }: { kind: "good" | "bad" | "wait" | "plain"; children: ReactNode }) => (
  <span className={`badge ${kind}`}>{children}</span>
);

/** How far long work is, 0 to 1. */
export const Progress = ({ value, label }: { value: number; label: string }) => (
  <div className="progress">
    <progress max={1} value={value} aria-label={label} />
    <span>{label}</span>
  </div>
);
