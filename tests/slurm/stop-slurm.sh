#!/usr/bin/env bash
# End the cluster of start-slurm.sh, its jobs first: only processes that it wrote down, and only its own files.
set -uo pipefail
root=/run/grover-slurm
[ -d $root ] || exit 0
export SLURM_CONF=$root/slurm.conf

end() { # end DAEMON: asked first, forced after five seconds
    local process
    process=$(cat $root/run/"$1".pid 2> /dev/null) || return 0
    kill "$process" 2> /dev/null
    for _ in {1..25}; do
        kill -0 "$process" 2> /dev/null || return 0
        sleep 0.2
    done
    kill -KILL "$process" 2> /dev/null
}

# of all users
timeout 10 scancel --state=RUNNING 2> /dev/null
timeout 10 scancel --state=PENDING 2> /dev/null
for _ in {1..25}; do
    [ -n "$(timeout 5 squeue --noheader 2> /dev/null)" ] || break
    sleep 0.2
done
for daemons in "slurmd-c1 slurmd-c2 slurmd-c3 slurmd-c4 slurmd-c5 slurmd-g1 slurmd-g2 slurmctld" slurmdbd "mariadbd munged"; do
    for daemon in $daemons; do end "$daemon" & done
    wait
done
for name in slurm.conf gres.conf; do
    [ "$(readlink /etc/slurm/$name)" != $root/$name ] || rm /etc/slurm/$name
done
rm -rf $root
