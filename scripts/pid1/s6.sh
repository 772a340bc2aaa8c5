#!/bin/sh
# Runs a program as the only service of s6-svscan, which replaces this shell, and ends with the program's exit code: s6.sh PROGRAM ARGUMENTS
scan=/tmp/scan
mkdir -p $scan/.s6-svscan $scan/program
cat >$scan/program/run <<END
#!/bin/sh
exec $*
END
cat >$scan/program/finish <<END
#!/bin/sh
echo "\$1 \$2" >/tmp/ended
exec s6-svscanctl -t $scan
END
cat >$scan/.s6-svscan/finish <<'END'
#!/bin/sh
read -r code signal </tmp/ended
[ "$code" = 256 ] && exit $((128 + signal))
exit "$code"
END
chmod 755 $scan/program/run $scan/program/finish $scan/.s6-svscan/finish
exec s6-svscan $scan
