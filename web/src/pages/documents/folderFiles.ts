import { FILES_MAX } from "./droppedFiles";

/** What the appliance can read, by the end of the name. */
export const ENDINGS = [".pdf", ".docx", ".md", ".markdown", ".txt"];

/** The files of a folder that the appliance can read; hidden ones and those of other programs stay behind. */
export function folderFiles(files: readonly File[]): File[] {
  const hidden = ({ webkitRelativePath: path, name }: File) => (path || name).split("/").some((part) => part.startsWith("."));
  const readable = ({ name }: File) => ENDINGS.some((ending) => name.toLowerCase().endsWith(ending));
  return files.filter((file) => readable(file) && !hidden(file)).slice(0, FILES_MAX);
}
