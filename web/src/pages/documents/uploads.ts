import { useSyncExternalStore } from "react";
import { api, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import type { Job, Uploaded } from "@/api/types";
import { sendFile, type UploadFields } from "./sendFile";

/** Files that are sent at once; more would only share the same line. */
const SENDING_MAX = 2;
/** How often the appliance is asked how far the reading is. */
const POLL_MS = 2500;
const JOBS_LIMIT = 200;

export type UploadState = "waiting" | "sending" | "processing" | "done" | "failed" | "cancelled";

export interface Upload {
  id: number;
  file: File;
  fields: UploadFields;
  state: UploadState;
  sentBytes: number;
  uploaded: Uploaded | null;
  job: Job | null;
  error: unknown;
}

let uploads: readonly Upload[] = [];
let next = 1;
let timer: ReturnType<typeof setTimeout> | null = null;
const aborts = new Map<number, AbortController>();
const listeners = new Set<() => void>();
const doneListeners = new Set<() => void>();

function set(change: readonly Upload[]): void {
  uploads = change;
  for (const listener of listeners) listener();
}

const patch = (id: number, change: Partial<Upload>): void =>
  set(uploads.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)));

export const useUploads = (): readonly Upload[] =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => uploads,
  );

/** Calls `listener` whenever a file has become searchable, or has not. */
export function onUploadEnd(listener: () => void): () => void {
  doneListeners.add(listener);
  return () => doneListeners.delete(listener);
}

export function addUploads(files: readonly File[], fields: UploadFields): void {
  const added = files.map<Upload>((file) => ({
    id: next++,
    file,
    fields,
    state: "waiting",
    sentBytes: 0,
    uploaded: null,
    job: null,
    error: null,
  }));
  set([...uploads, ...added]);
  advance();
}

/** Takes an upload back as far as that still goes. */
export async function cancelUpload(id: number): Promise<void> {
  const upload = uploads.find((one) => one.id === id);
  if (!upload) return;
  if (upload.state === "waiting") patch(id, { state: "cancelled" });
  aborts.get(id)?.abort();
  if (upload.state === "processing" && upload.uploaded) {
    const path = { job_id: upload.uploaded.job_id };
    const job = await take(api.POST("/api/v1/jobs/{job_id}/cancel", { params: { path } })).catch(() => null);
    if (job) settle(id, job);
  }
}

export function retryUpload(id: number): void {
  patch(id, { state: "waiting", sentBytes: 0, uploaded: null, job: null, error: null });
  advance();
}

export function clearEndedUploads(): void {
  set(uploads.filter(isActive));
}

/** Ends everything and forgets the files. */
export function forgetUploads(): void {
  for (const control of aborts.values()) control.abort();
  aborts.clear();
  if (timer) clearTimeout(timer);
  timer = null;
  set([]);
}

export const isActive = (upload: Upload): boolean => ["waiting", "sending", "processing"].includes(upload.state);

function advance(): void {
  const sending = uploads.filter((upload) => upload.state === "sending").length;
  const waiting = uploads.filter((upload) => upload.state === "waiting");
  for (const upload of waiting.slice(0, Math.max(0, SENDING_MAX - sending))) void send(upload);
}

async function send(upload: Upload): Promise<void> {
  const control = new AbortController();
  aborts.set(upload.id, control);
  patch(upload.id, { state: "sending" });
  try {
    const sent = (sentBytes: number) => patch(upload.id, { sentBytes });
    const uploaded = await sendFile(upload.file, upload.fields, sent, control.signal);
    patch(upload.id, { state: "processing", uploaded });
    watch();
  } catch (error) {
    if (control.signal.aborted) patch(upload.id, { state: "cancelled" });
    else if (error instanceof ApiProblem && error.retryAfterS !== null && error.document.status === 429) {
      patch(upload.id, { state: "waiting", sentBytes: 0 });
      setTimeout(advance, error.retryAfterS * 1000 + 250);
      return;
    } else patch(upload.id, { state: "failed", error });
  } finally {
    aborts.delete(upload.id);
  }
  advance();
}

function watch(): void {
  timer ??= setTimeout(() => void poll(), POLL_MS);
}

async function poll(): Promise<void> {
  const reading = uploads.filter((upload) => upload.state === "processing");
  if (reading.length) {
    const query = { limit: JOBS_LIMIT };
    const page = await take(api.GET("/api/v1/jobs", { params: { query } })).catch(() => null);
    const jobs = new Map(page?.items.map((job) => [job.id, job]));
    for (const upload of reading) {
      const job = jobs.get(upload.uploaded?.job_id ?? "");
      if (job) settle(upload.id, job);
    }
  }
  timer = null;
  if (uploads.some((upload) => upload.state === "processing")) watch();
}

function settle(id: number, job: Job): void {
  const ended = { done: "done", failed: "failed", cancelled: "cancelled" } as const;
  const state = job.state in ended ? ended[job.state as keyof typeof ended] : "processing";
  patch(id, { job, state, error: job.error ? jobProblem(job.error) : null });
  if (state !== "processing") for (const listener of doneListeners) listener();
}

const jobProblem = ({ code, detail }: { code: string; detail?: string | null }): ApiProblem =>
  new ApiProblem({ type: `/problems/${code}`, code, title: code, detail: detail ?? "", status: 422 });
