#!/bin/sh
# usage: add-user.sh NAME ID HOME SHELL
# Before any package is installed, so that Debian's own scripts find the user under the official image's
# id. The rootfs has no useradd, and only some of the images would need it.
set -eu
echo "$1:x:$2:" >>/etc/group
echo "$1:x:$2:$2::$3:$4" >>/etc/passwd
echo "$1:*:1::::::" >>/etc/shadow
