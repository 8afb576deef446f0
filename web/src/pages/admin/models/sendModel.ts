import { tellSession } from "@/api/client";
import { noteReachable, noteUnreachable } from "@/api/connection";
import { Unreachable, problemOf } from "@/api/problem";
import type { LanguageModel } from "./useModels";

/** Sends a model's file as it is. `fetch` does not tell how much was sent, so this is the older way. */
export function sendModel(
  file: File,
  name: string | null,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<LanguageModel> {
  const query = name ? `?${new URLSearchParams({ name }).toString()}` : "";
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/models${query}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => {
      noteReachable();
      if (request.status === 201) return resolve(request.response as LanguageModel);
      const problem = problemOf(request.status, request.response, request.getResponseHeader("retry-after"));
      tellSession(problem);
      reject(problem);
    };
    request.onerror = () => {
      noteUnreachable();
      reject(new Unreachable("the model's file broke off"));
    };
    request.onabort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
