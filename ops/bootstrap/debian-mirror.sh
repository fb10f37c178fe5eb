# shellcheck shell=bash
# Also read by compose/images/build.sh.

# usage: debian_mirror SUITE - where this machine's own apt gets SUITE of Debian; nothing when it does not.
# apt knows a repository's origin only after its first update, hence the spare.
debian_mirror() {
  # shellcheck disable=SC2016 # apt's dollars
  apt-get indextargets --format '$(ORIGIN)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' -v suite="$1" '
      $2 == "main" && $3 == suite && $1 == "Debian" && !mirror { mirror = $4 }
      $2 == "main" && $3 == suite && $1 == "" && !spare { spare = $4 }
      END { print mirror ? mirror : spare }'
}
