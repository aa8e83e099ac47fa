import type { ReactNode } from "react";

/** Words that stand out: what went wrong, or what is worth knowing. */
export function Notice({
  kind,
  title,
  children,
}: {
  kind: "error" | "good" | "info";
  title?: string;
  children?: ReactNode;
}) {
  return (
    <div className={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
      {title && <strong>{title}</strong>}
      <div>{children}</div>
    </div>
  );
}

/** Stands where there is nothing yet, and says what to do. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      <p>{children}</p>
    </div>
  );
}

/** What a query has not brought yet, or why it failed. */
export function Pending({ of: { error }, what }: { of: { error: Error | null }; what: string }) {
  return error ? (
    <Notice kind="error" title={`${what} could not be read`}>
      {error.message}
    </Notice>
  ) : (
    <p className="muted">Reading {what.toLowerCase()} …</p>
  );
}
