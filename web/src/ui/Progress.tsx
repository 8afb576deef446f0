interface Props {
  label: string;
  value: number | null;
  max?: number | null;
}

/** How far something is; without a value, that it goes on. */
export function Progress({ label, value, max }: Props) {
  const known = value !== null && max ? { value: Math.min(value, max), max } : {};
  return <progress aria-label={label} className="progress h-2 w-full" {...known} />;
}
