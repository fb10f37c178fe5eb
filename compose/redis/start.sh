#!/bin/sh
# usage: start.sh cache|queue
# Starts Redis with its password from the environment, so that it is in no argv and on no disk:
# the final configuration lives on a tmpfs of this container alone.
set -eu
umask 077
{
  echo "include /etc/redis-atlas/$1.conf"
  echo "requirepass $REDISCLI_AUTH"
} >/run/redis/redis.conf
exec redis-server /run/redis/redis.conf
