import { tellSession } from "@/api/client";
import { noteReachable, noteUnreachable } from "@/api/connection";
import { Unreachable, problemOf } from "@/api/problem";
import type { Uploaded } from "@/api/types";

/** What is said about a file beside its bytes; what is left out the appliance decides. */
export interface UploadFields {
  key?: string;
  title?: string;
  classification?: string;
  export_control?: string;
  language?: string;
  tags?: string;
  effective_from?: string;
}

/** Sends a file. `fetch` does not tell how much was sent, so this is the older way. */
export function sendFile(
  file: File,
  fields: UploadFields,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Uploaded> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
  form.append("file", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/v1/documents/upload");
    request.responseType = "json";
    request.upload.onprogress = (event) => onSent(Math.min(event.loaded, file.size));
    request.onload = () => {
      noteReachable();
      if (request.status === 202) return resolve(request.response as Uploaded);
      const problem = problemOf(request.status, request.response, request.getResponseHeader("retry-after"));
      tellSession(problem);
      reject(problem);
    };
    request.onerror = () => {
      noteUnreachable();
      reject(new Unreachable("the upload broke off"));
    };
    request.onabort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
