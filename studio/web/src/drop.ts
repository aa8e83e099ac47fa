import type { SourceFile } from "./draft.ts";

const read = async (path: string, file: File): Promise<SourceFile> => ({
  path,
  bytes: new Uint8Array(await file.arrayBuffer()),
});

/** Files of a picker; those of a folder by their path below it, its name first. */
export const pickedFiles = async (files: FileList): Promise<SourceFile[]> =>
  byPath(await Promise.all(Array.from(files, (file) => read(file.webkitRelativePath || file.name, file))));

const byPath = (files: SourceFile[]): SourceFile[] => files.sort((a, b) => (a.path < b.path ? -1 : 1));

/** Files and folders that were dropped, folders with all that is below them. Entries must be taken within the event. */
export async function droppedFiles(items: DataTransferItemList): Promise<SourceFile[]> {
  // What was dragged from another page is a file without an entry; dragged text is neither.
  const entries = Array.from(items, (item) => item.webkitGetAsEntry() ?? item.getAsFile()).filter(
    (one) => one !== null,
  );
  const parts = await Promise.all(
    entries.map(async (one) => (one instanceof File ? [await read(one.name, one)] : below(one))),
  );
  return byPath(parts.flat());
}

async function below(entry: FileSystemEntry): Promise<SourceFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed));
    return [await read(entry.fullPath.slice(1), file)];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: SourceFile[] = [];
  // A reader gives a folder in parts, and an empty part at its end.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (part.length === 0) return found;
    for (const inner of part) found.push(...(await below(inner)));
  }
}
