import { CHECKS, type Finding } from "../../../../sdk/checks/rows.ts";
import { Badge } from "../ui/page.tsx";

/** Findings that are shown of many. */
const SHOWN = 100;

/** What the data checks found: which row, why, and what to do. */
export function Findings({ of }: { of: readonly Finding[] }) {
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <section className="rows" aria-label="Findings of the data checks" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th>Check</th>
              <th className="number">Row</th>
              <th>File</th>
              <th>What is wrong, and what to do</th>
            </tr>
          </thead>
          <tbody>
            {of.slice(0, SHOWN).map(({ check, level, row, path, reason, fix }) => (
              <tr key={`${row} ${check} ${reason}`}>
                <td>
                  <Badge kind={level === "refuse" ? "bad" : "wait"}>{CHECKS[check].title}</Badge>
                </td>
                <td className="number">{row}</td>
                <td>{path}</td>
                <td>
                  The row {reason}. <span className="muted">{fix}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {of.length > SHOWN && (
        <small>
          The first {SHOWN} of {of.length.toLocaleString("en")} findings are shown.
        </small>
      )}
    </>
  );
}
