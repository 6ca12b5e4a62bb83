#!/bin/busybox sh
# Process 1 of a guest, in the archive that the kernel starts from: makes a root of the host's files and goes there.
# /guest.sh is written for each boot: calls of enter, bring and reachable.

say() { echo "nsgen guest: $*"; }
must() { "$@" || {
  say "cannot: $*"
  dmesg | tail -n 40
  poweroff -f
}; }

/bin/busybox mkdir -p /bin /dev /proc /sys /host /changes /merged /newroot
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
exec </dev/null >/dev/console 2>&1
mount -t proc proc /proc
for module in /modules/*.ko; do must insmod "$module"; done

# All writes go to the guest's memory: the host's files stay as they are.
must mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /host
must mount -t tmpfs -o mode=755 changes /changes
mkdir /changes/upper /changes/work
must mount -t overlay -o lowerdir=/host,upperdir=/changes/upper,workdir=/changes/work overlay /merged

# bring SOURCE DESTINATION: a path of the host, there in the guest.
bring() {
  if [ -d "/merged$1" ]; then
    mkdir -p "/newroot$2"
  else
    mkdir -p "/newroot${2%/*}"
    [ -e "/newroot$2" ] || : >"/newroot$2"
  fi
  must mount --bind "/merged$1" "/newroot$2"
}
# reachable PATH: by ordinary users too, wherever the checkout is. That is the guest's copy of the directories' modes.
reachable() {
  path=$1
  while [ -n "$path" ]; do
    chmod o+x "/newroot$path"
    path=${path%/*}
  done
}
enter() {
  must mount --bind "/merged$1" /newroot
  cd /newroot && mkdir -p proc sys dev run tmp && cd /
  must mount -t proc proc /newroot/proc
  must mount -t sysfs sysfs /newroot/sys
  must mount -t cgroup2 cgroup2 /newroot/sys/fs/cgroup
  must mount -t devtmpfs dev /newroot/dev
  mkdir -p /newroot/dev/pts /newroot/dev/shm
  ln -s /proc/self/fd /newroot/dev/fd
  for number in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${number%:*}" "/newroot/dev/${number#*:}"; done
  must mount -t devpts -o ptmxmode=666,mode=620 devpts /newroot/dev/pts
  must mount -t tmpfs -o mode=1777 shm /newroot/dev/shm
  must mount -t tmpfs -o mode=755 run /newroot/run
  must mount -t tmpfs -o mode=1777 tmp /newroot/tmp
}
. /guest.sh

mkdir /newroot/run/nsgen-guest
cp /bin/busybox /inside.sh /command.sh /newroot/run/nsgen-guest/
umount /proc /dev
# Not chroot: the kernel forbids user namespaces to whoever is in one.
exec switch_root /newroot /run/nsgen-guest/busybox sh /run/nsgen-guest/inside.sh
