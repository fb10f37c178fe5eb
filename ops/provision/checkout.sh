# shellcheck shell=bash disable=SC2154 # a part of the script that ops/src/commands/provision.ts sends, see main.sh
# The repository in $root, root's own. Objects come by `git push` from the laptop; origin is where later releases come from.

has_repository() {
  [[ -d $root/.git ]]
}

# CI's clone may be shallow.
make_repository() {
  (umask 022 && git init --quiet "$root") && git -C "$root" config receive.shallowUpdate true
}

origin_is_right() {
  has_repository && [[ $(git -C "$root" config remote.origin.url) == "$origin" ]]
}

set_origin() {
  git -C "$root" config remote.origin.url "$origin" &&
    git -C "$root" config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'
}

# No prompt, no waiting: a private repository without a key on this machine just is not readable.
can_read_origin() {
  GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=10' \
    timeout 20 git ls-remote --exit-code "$origin" HEAD >/dev/null 2>&1
}

# An origin that never answers would stop each deploy of a tag that is not here: better none.
ensure_origin() {
  local what="$root: later tags come from $origin"
  if [[ -z $origin ]] || origin_is_right; then
    return 0
  elif ! command -v git >/dev/null; then
    printf 'change %s, if this machine can read it\n' "$what" # a dry run on a bare machine
  elif can_read_origin; then
    ensure "$what" origin_is_right set_origin
  else
    note "$origin cannot be read from there: give this machine a deploy key, or send each later tag by make provision TAG=…"
  fi
}

ensure_repository() {
  ensure "$root: a git repository" has_repository make_repository
  ensure_origin
}

# What runs there, for the laptop: "fact NAME VALUE".
report_facts() {
  local head tag
  head=$(git -C "$root" rev-parse --quiet --verify HEAD 2>/dev/null) || head=none
  tag=$(sed -n 's/^IMAGE_TAG=//p' "$root/.env" 2>/dev/null) || true
  printf 'fact head %s\nfact release %s\nfact env %s\nfact engine %s\n' "$head" "${tag:-none}" \
    "$([[ -f $root/.env ]] && echo there || echo none)" "$(command -v dockerd >/dev/null && echo there || echo none)"
  [[ -z $tag_wanted ]] || printf 'fact tag %s\n' "$(git -C "$root" rev-parse --quiet --verify "refs/tags/$tag_wanted^{commit}" 2>/dev/null || echo none)"
}
