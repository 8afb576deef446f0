export const Mark = () => <img src="/assets/mark.svg" alt="" width={32} height={32} className="size-8" />;
