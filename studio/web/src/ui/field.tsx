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
    <div className={problem ? "field wrong" : "field"}>
      {/* biome-ignore lint/a11y/noLabelWithoutControl: the control is the child. */}
      <label>
        <span>{label}</span>
        {children}
      </label>
      {problem ? <small role="alert">{problem}</small> : hint && <small>{hint}</small>}
    </div>
  );
}
