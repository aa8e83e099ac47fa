import type { ReactNode } from "react";

/** A labelled input, with what it is for and what is wrong with it. */
export function Field({
  label,
  hint,
  problem,
  children,
}: {
  label: string;
  hint?: ReactNode;
  problem?: string | undefined;
  children: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child.
    <label className={problem ? "field wrong" : "field"}>
      <span>{label}</span>
      {children}
      {problem ? <small role="alert">{problem}</small> : hint && <small>{hint}</small>}
    </label>
  );
}
