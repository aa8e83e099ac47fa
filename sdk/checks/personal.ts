/** What a text should not hold, where: the kind of thing, never the thing itself, since findings are shown and published. */
export interface Spotted {
  check: "personal" | "secret";
  what: string;
}

interface Pattern extends Spotted {
  pattern: RegExp;
  /** Whether what the pattern found is one. */
  holds?: (found: string) => boolean;
}

const secret = (what: string, pattern: RegExp): Pattern => ({ check: "secret", what, pattern });

const PATTERNS: Pattern[] = [
  secret("a private key (PEM)", /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/g),
  secret(
    "an Ethereum private key",
    /(?:priv(?:ate)?_?key|secret_?key|\bpk)["']?\s*[:=(]\s*["']?(?:0x)?[0-9a-f]{64}\b/gi,
  ),
  secret(
    "a wallet's seed phrase",
    /(?:mnemonic|seed[ _]?phrase)["']?\s*[:=]\s*["'`]?(?:[a-z]{3,8} ){11,23}[a-z]{3,8}\b/gi,
  ),
  secret("an AWS key", /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g),
  secret("a GitHub token", /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b/g),
  secret("a GitLab token", /\bglpat-[\w-]{20,}/g),
  secret("a Slack token", /\bxox[abeoprs]-[\w-]{20,}/g),
  secret("a Stripe key", /\b[rs]k_live_[A-Za-z0-9]{20,}\b/g),
  secret("a Google API key", /\bAIza[\w-]{35}/g),
  secret("an API key (sk-…)", /\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}/g),
  secret("a Hugging Face token", /\bhf_[A-Za-z0-9]{30,}\b/g),
  secret("an npm token", /\bnpm_[A-Za-z0-9]{36}\b/g),
  secret("a signed token (JWT)", /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g),
  { check: "secret", what: "a card number", pattern: /(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])/g, holds: isCard },
  {
    check: "secret",
    what: "a bank account (IBAN)",
    pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g,
    holds: isIban,
  },
  { check: "personal", what: "an e-mail address", pattern: /[\w.+-]+@(?:[\w-]+\.)+[a-z]{2,}\b/gi, holds: isEmail },
  { check: "personal", what: "a phone number", pattern: /(?<![^\s:("'>])\+\d(?:[ ()./-]{0,2}\d){7,14}(?![\w.])/g },
  {
    check: "personal",
    what: "a phone number",
    pattern: /(?<![\w.-])(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?![\w.-])/g,
  },
  {
    check: "personal",
    what: "a US social security number",
    pattern: /(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])/g,
  },
];

/** Personal data and secrets in a text, each kind once. */
export const personalData = (text: string): Spotted[] => {
  const found = PATTERNS.filter(({ pattern, holds = () => true }) => (text.match(pattern) ?? []).some(holds));
  return [...new Map(found.map(({ check, what }) => [what, { check, what }])).values()];
};

/** Domains that nobody has (RFC 2606), and addresses that are no person's. */
const NOBODY =
  /@(?:[\w-]+\.)*(?:example(?:\.\w+)?|test|invalid|localhost)$|^(?:git|noreply|no-reply)@|@users\.noreply\./i;

function isEmail(found: string): boolean {
  return !NOBODY.test(found);
}

/** Issuers' first digits and lengths, then Luhn's sum. Numbers of few different digits are examples. */
function isCard(found: string): boolean {
  const digits = found.replace(/\D/g, "");
  const issued =
    /^(?:4\d{15}|4\d{12}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)\d*|3[47]\d{13}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35\d{14})$/;
  if (!issued.test(digits) || (digits.startsWith("2") && digits.length !== 16)) return false;
  if (new Set(digits).size < 5 || /[ -]/.test(found) !== /^\d{4}[ -]\d{4,6}[ -]\d{4,5}/.test(found)) return false;
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const value = Number(digit) * (1 + (i % 2));
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** Length of an IBAN by country. */
const IBAN_LENGTHS = new Map(
  (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 " +
    "FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 " +
    "MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 TN24 " +
    "TR26 UA29 VA22 VG24 XK20"
  )
    .split(" ")
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** Its country's length, and the checksum of ISO 13616. */
function isIban(found: string): boolean {
  const account = found.replaceAll(" ", "");
  if (IBAN_LENGTHS.get(account.slice(0, 2)) !== account.length) return false;
  const number = [...account.slice(4), ...account.slice(0, 4)].map((sign) => parseInt(sign, 36)).join("");
  return BigInt(number) % 97n === 1n;
}
