interface Props {
  label: string;
  value: string;
  onChange: (words: string) => void;
}

/** Narrows down what is listed below it. */
export function SearchInput({ label, value, onChange }: Props) {
  return (
    <input
      type="search"
      value={value}
      onChange={(event) => onChange(event.target.value)}
      aria-label={label}
      placeholder={label}
      className="min-h-target min-w-0 grow rounded-md border border-edge bg-surface px-3"
    />
  );
}
