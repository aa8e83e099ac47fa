import { expect } from "chai";
import { fateInWords, fateOf, type RowRecords } from "../../sdk/row-fates.ts";

describe("Why a row counts as it does", () => {
  const said = (letters: number, fresh: number, surprisal = 0) => ({ letters, own: letters, fresh, surprisal });
  const records: RowRecords = {
    weights: [1, 0.432, 0, 0, 0, 0, 0, 0.001],
    leaders: [0, 1, -1, -1, 0, 5, 6, 7],
    novelties: [
      said(90, 90, 3),
      said(40, 9, 3),
      said(0, 0),
      said(90, 0),
      said(90, 7, 3),
      said(90, 0),
      said(90, 9, 11),
      said(1, 1, 3),
    ],
  };

  it("is told of each row from what its model's sketches say", () => {
    expect(records.weights.map((_, row) => fateOf(records, row))).to.deep.equal([
      ...["full", "part", "empty", "the same", "alike", "nothing new", "noise", "part"],
    ]);
    expect(records.weights.map((_, row) => fateInWords(records, row))).to.deep.equal([
      "counts in full",
      "counts for 43 %, since it is small or says little that is new",
      "holds no letter or digit",
      "is the same as an earlier one",
      "is like row 0, which came before it",
      "says nothing that earlier ones do not say",
      "is noise: half of what is new in it is less likely to the model than a blind guess",
      "counts for 1 %, since it is small or says little that is new",
    ]);
  });
});
