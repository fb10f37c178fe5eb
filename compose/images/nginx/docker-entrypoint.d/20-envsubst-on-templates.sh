#!/bin/sh
# /etc/nginx/templates/NAME.template becomes /etc/nginx/conf.d/NAME with the environment filled in.
# Only names that are set are replaced, so that nginx's own $variables survive.
set -eu
[ -d /etc/nginx/templates ] || exit 0

# shellcheck disable=SC2016 # awk's and envsubst's dollars, not the shell's
names=$(awk 'BEGIN { for (name in ENVIRON) printf "${%s} ", name }')
for template in /etc/nginx/templates/*.template; do
  [ -f "$template" ] || continue
  name=$(basename "$template" .template)
  envsubst "$names" <"$template" >"/etc/nginx/conf.d/$name"
done
