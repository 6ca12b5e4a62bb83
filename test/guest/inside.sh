# Process 1 of a guest in its own root: runs the command and says how it ended. The emulator's exit status says nothing.

busybox=/run/nsgen-guest/busybox
exec </dev/null >/dev/console 2>&1
$busybox ip link set lo up
$busybox hostname guest
# What the kernel says about a box would come in the middle of a line of the test's.
$busybox dmesg -n 1
echo "@nsgen-guest started"
$busybox sh /run/nsgen-guest/command.sh
status=$?
if [ "$status" != 0 ]; then $busybox dmesg | $busybox tail -n 40; fi
echo "@nsgen-guest status $status"
# The console is still being written to.
$busybox sleep 5
$busybox poweroff -f
