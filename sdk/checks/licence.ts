/** Licences that lay no condition on who passes the text on, under whatever licence. */
const FREE = ["0bsd", "cc0-1.0", "mit-0", "unlicense", "cc-pddc"];
/** What a file says of its licence: an SPDX tag, or the field of a package's description. */
const STATED = /SPDX-License-Identifier:[ \t]*([^\n*"']+)|"licen[cs]e"\s*:\s*"([^"\n]+)"/g;
/** Words of licences that forbid what a Datanet does. */
const FORBIDDING: [RegExp, string][] = [
  [/\ball rights reserved\b/i, "all rights reserved"],
  [
    /\b(?:proprietary and )?confidential\b.{0,40}\b(?:do not|not to be|may not) (?:distribute|copy|be )/is,
    "confidential",
  ],
  [/\bnon-?commercial (?:use|purposes) only\b/i, "non-commercial use only"],
];

/**
 * What a text says of its licence against that of its Datanet.
 * @param licence SPDX id of the Datanet, or the content id of its terms, with which no tag can be compared
 */
export function licenceConflicts(text: string, licence: string): string[] {
  const stated = [...text.matchAll(STATED)].map(([, tag, field]) => (tag ?? field)!.trim());
  const other = stated
    .filter((expression) => !allows(expression, licence))
    .map((expression) => `licence ${expression}`);
  const forbidding = FORBIDDING.filter(([pattern]) => pattern.test(text)).map(([, words]) => `“${words}”`);
  return [...new Set([...other, ...forbidding])];
}

/** Whether one of an SPDX expression's alternatives is the licence, or free. */
function allows(expression: string, licence: string): boolean {
  const same = (id: string) => id === licence.toLowerCase() || FREE.includes(id);
  return expression
    .toLowerCase()
    .replace(/[()]/g, " ")
    .split(/\s+or\s+/)
    .some((alternative) => alternative.split(/\s+and\s+/).every((id) => same(id.trim())));
}
