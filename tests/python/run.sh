#!/bin/sh
# Runs the Python tests in a virtual environment under the target directory; arguments go to pytest.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH= cd -- "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
case $target in
/*) ;;
*) target=$root/$target ;;
esac
venv=$target/venv

if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

# The same packages and features as every other build here: another set would build the world again.
(cd "$root" && cargo build --quiet --workspace --all-targets --locked)
CURFEW_SIM=$target/debug/curfew-sim
CURFEWD=$target/debug/curfewd
PYTHONDONTWRITEBYTECODE=1
export CURFEW_SIM CURFEWD PYTHONDONTWRITEBYTECODE
cd "$here"
exec "$venv/bin/python" -m pytest -p no:cacheprovider "$@"
