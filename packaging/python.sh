# Sourced: a Python for a check or a bench, in a folder of its own.

# A Python in folder $2 with exactly the packages of file $1; made anew when they change. Further
# arguments go to pip. Fails, and leaves nothing that looks finished, when a package cannot be had.
python_with() {
  local requirements=$1 venv=$2
  shift 2
  cmp -s "$requirements" "$venv/.installed.txt" && return 0
  python3 -m venv --clear "$venv" \
    && "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" --requirement "$requirements" \
    && cp "$requirements" "$venv/.installed.txt"
}
