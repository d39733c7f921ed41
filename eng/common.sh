# Shared by the scripts of this repository. Sourced, not run.

# Debian packages that the product and its tests use. A machine that has them installs nothing.
musubi_packages=(gcc libc6-dev zlib1g-dev libsqlite3-0 qemu-system-x86 qemu-utils xorriso syslinux mtools dosfstools cpio kmod openssl)
test_packages=(iproute2 nftables iputils-ping tcpdump curl jq busybox-static containernetworking-plugins dnsmasq-base strace)
# A machine may have these from elsewhere.
for program in kubectl containerd runc podman; do command -v $program >/dev/null || test_packages+=($program); done

say() { printf '%s\n' "$*" >&2; }

# A line that is overwritten on a terminal and printed once elsewhere.
progress() {
  if [ -t 2 ]; then printf '\r\033[K%s' "$*" >&2; else say "$*"; fi
}
progress_done() { if [ -t 2 ]; then printf '\r\033[K' >&2; fi; }

# Everything that follows changes namespaces, control groups and packages.
need_root() {
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "musubi: this must run as root, and sudo is not installed"; exit 1; }
    exec sudo --preserve-env=PATH,DOTNET_ROOT,NUGET_PACKAGES,CI "$0" "$@"
  fi
}

# Installs the Debian packages that are missing, by name.
need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || { say "musubi: these packages are missing and there is no apt-get to install them: ${missing[*]}"; exit 1; }
  progress "installing ${missing[*]} …"
  local log; log=$(mktemp)
  if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    progress_done; cat "$log" >&2; rm -f "$log"
    say "musubi: could not install ${missing[*]}"; exit 1
  fi
  rm -f "$log"; progress_done
}

need_dotnet() {
  local wanted; wanted=$(sed -n 's/.*"version": "\([0-9]*\)\..*/\1/p' "$root/global.json")
  if ! command -v dotnet >/dev/null || ! dotnet --list-sdks 2>/dev/null | grep -q "^$wanted\."; then
    need_packages "dotnet-sdk-$wanted.0"
  fi
}

# Runs a command quietly; what it printed is shown when it fails.
quietly() { # what command…
  local what=$1 log; shift; log=$(mktemp)
  progress "$what …"
  if ! "$@" >"$log" 2>&1; then
    progress_done; grep -E 'error|warn' "$log" | sort -u | head -n 40 >&2 || true; tail -n 5 "$log" >&2
    rm -f "$log"; say "musubi: $what failed"; exit 1
  fi
  rm -f "$log"; progress_done
}

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

# The product, ready to run: artifacts/musubi/{musubi.dll,musubi-cni,musubi-launcher}. Built when a source is newer than the stamp.
build_product() {
  local out=$root/artifacts/musubi stamp=$root/artifacts/musubi/.built
  if [ -f "$stamp" ] && [ -z "$(find "$root/src" "$root/deploy" "$root/eng" "$root"/Directory.*.props "$root/global.json" -newer "$stamp" -type f -print -quit)" ]; then
    return
  fi
  need_packages "${musubi_packages[@]}"
  need_dotnet
  quietly "building musubi" dotnet publish "$root/src/Musubi.Cli" -c Release -r linux-x64 --self-contained false -o "$out" --nologo -v q
  quietly "building musubi-cni" dotnet publish "$root/src/Musubi.Cni.Host" -c Release -o "$root/artifacts/native/cni" --nologo -v q
  quietly "building musubi-launcher" dotnet publish "$root/src/Musubi.Launcher" -c Release -o "$root/artifacts/native/launcher" --nologo -v q
  # Replaced, not overwritten: machines may be running from the old file.
  install -m 755 "$root/artifacts/native/cni/musubi-cni" "$out/musubi-cni.new" && mv "$out/musubi-cni.new" "$out/musubi-cni"
  install -m 755 "$root/artifacts/native/launcher/musubi-launcher" "$out/musubi-launcher.new" && mv "$out/musubi-launcher.new" "$out/musubi-launcher"
  touch "$stamp"
}

# The test guest: artifacts/guest. Built when its sources are newer.
build_guest() {
  local out=$root/artifacts/guest
  if [ -f "$out/boot/initrd" ] && [ -z "$(find "$root/guest" -newer "$out/boot/initrd" -type f -print -quit)" ]; then
    return
  fi
  need_packages "${musubi_packages[@]}"
  quietly "building the guest image" "$root/guest/build" "$out"
}
