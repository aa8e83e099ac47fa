import { type NewText, percentNew } from "../../../../sdk/new-text.ts";
import type { Row } from "../../../../sdk/rows.ts";

/** Rows that are shown of many; all of them are sent. */
const SHOWN = 100;
const utf8 = new TextEncoder();

/** Rows as they are: path, bytes, text; and how much of each no earlier row says, where that is known. */
export function RowTable({ rows, news }: { rows: Row[]; news?: NewText[] | undefined }) {
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <section className="rows" aria-label="Rows" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th className="number">Row</th>
              <th>File</th>
              <th className="number">Bytes</th>
              {news && (
                <th className="number" title="Letters and digits that no earlier row of the Datanet has">
                  New
                </th>
              )}
              <th>Text</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, SHOWN).map((row, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place.
              <tr key={index}>
                <td className="number">{index}</td>
                <td>{row.path}</td>
                <td className="number">{utf8.encode(row.text).length}</td>
                {news && <td className="number">{percentNew(news[index]!)}</td>}
                <td>
                  <pre>{row.text}</pre>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {rows.length > SHOWN && (
        <small>
          The first {SHOWN} of {rows.length.toLocaleString("en")} rows are shown.
        </small>
      )}
    </>
  );
}
