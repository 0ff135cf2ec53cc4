# Makes a container's root folder, enters it for good, and becomes the container's process. Runs in namespaces of its own.
# Arguments: an empty folder, a host name, `ro` or `rw`, then triples of source, target and `ro` or `rw`, `--`, the command.
set -eu
root=$1 hostname=$2 mode=$3
shift 3
hostname "$hostname"
mount -t tmpfs -o mode=755,size=64m tmpfs "$root"
mkdir -m 755 "$root/usr" "$root/etc" "$root/proc" "$root/dev" "$root/run" "$root/var" "$root/var/lib" "$root/.old"
mkdir -m 1777 "$root/tmp"
# Relative: until the root is entered, an absolute link leads into the machine's own folders.
ln -s ../run "$root/var/run"
for folder in bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$folder" ]; then
    cp -P "/$folder" "$root/$folder"
  elif [ -d "/$folder" ]; then
    mkdir "$root/$folder"
    mount --rbind "/$folder" "$root/$folder"
  fi
done
for folder in usr etc dev; do mount --rbind "/$folder" "$root/$folder"; done
# Its shared memory goes with it. In the machine's, a server that is killed would leave its own behind.
[ ! -d /dev/shm ] || mount -t tmpfs -o mode=1777,size=64m tmpfs "$root/dev/shm"
# Where a container engine hides parts of /proc, a fresh one cannot be mounted.
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$root${2%/*}" && [ -e "$root$2" ] || : >"$root$2"; fi
  mount --rbind "$1" "$root$2"
  [ "$3" = rw ] || mount -o remount,bind,ro "$root$2"
  shift 3
done
shift
cd "$root"
pivot_root . .old
cd /
# Hidden rather than unmounted: umount asks an ordinary user for an entry in /etc/fstab.
mount -t tmpfs -o ro,size=4k tmpfs /.old
[ "$mode" = rw ] || mount -o remount,bind,ro /
exec setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs -- "$@"
