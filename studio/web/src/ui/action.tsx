import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useId } from "react";
import { why } from "../why.ts";
import { Notice } from "./notice.tsx";

type ActionProps = {
  run: () => Promise<unknown>;
  children: ReactNode;
  /** Why it cannot be pressed now; shown beside it. */
  disabled?: string | false | undefined;
  primary?: boolean;
  small?: boolean;
  danger?: boolean;
};

/** A button for work that takes time and can fail: says both, and then has everything read again. */
export function Action({ run, children, disabled, primary, small, danger }: ActionProps) {
  const queries = useQueryClient();
  const { mutate, isPending, error } = useMutation({
    mutationFn: run,
    onSettled: () => queries.invalidateQueries(),
  });
  const reason = useId();
  const classes = [primary && "primary", small && "small", danger && "danger"].filter(Boolean).join(" ");
  return (
    <span className="action">
      <button
        type="button"
        className={classes}
        disabled={isPending || Boolean(disabled)}
        aria-busy={isPending}
        aria-describedby={disabled ? reason : undefined}
        onClick={() => mutate()}
      >
        {isPending && <span className="spinner" aria-hidden="true" />}
        {children}
      </button>
      {disabled && (
        <small id={reason} className="muted">
          {disabled}
        </small>
      )}
      {error && <Notice kind="error">{why(error)}</Notice>}
    </span>
  );
}
