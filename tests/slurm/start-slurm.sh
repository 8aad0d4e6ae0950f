#!/usr/bin/env bash
# A private SLURM cluster on this machine's loopback, with accounting: nodes c1 and c2 in the partition cpu; g1 and g2 with two
# GPUs each, which are only names, in the partition gpu; c3 and c4 in the partition low, whose jobs those of the partition urgent
# push back into the queue; c5 alone in background, whose jobs those of foreground push back. CPUs and memory are as made up, so that
# every job of the workflow fits.
# Everything lies in /run/grover-slurm; stop-slurm.sh ends it. Needs root and the packages of `make slurm-programs`.
set -euo pipefail
export PATH=$PATH:/usr/sbin
here=$(dirname "$(realpath "$0")")
root=/run/grover-slurm
controller_port=26800 accounting_port=26801 database_port=26802

# ---- may it start?
fail() {
    echo "error: $*" >&2
    exit 1
}
[ "$(id -u)" = 0 ] || fail "the cluster is started by root, since each node runs jobs as the user who submits them"
for program in munged slurmctld slurmd slurmdbd mariadbd mariadb-install-db sacctmgr; do
    command -v $program > /dev/null || fail "$program is missing; install SLURM's programs: make slurm-programs"
done
# The plugin's inner srun loses SLURM_CONF, so the configuration has to be where SLURM looks for it: links there.
for name in slurm.conf gres.conf; do
    [ "$(readlink /etc/slurm/$name)" = $root/$name ] || ! ls /etc/slurm/$name > /dev/null 2>&1 ||
        fail "/etc/slurm/$name belongs to another cluster, which these tests leave alone; run them on another machine"
done
if [ -d $root ]; then
    starter=$(cat $root/starter 2> /dev/null) || starter=
    if [ "$PPID" != "$starter" ] && kill -0 "$starter" 2> /dev/null; then
        fail "a cluster that process $starter started is up; wait for it to end, or end it: $here/stop-slurm.sh"
    fi
    "$here/stop-slurm.sh"
fi

# ---- from here on a failure shows the logs and leaves nothing behind
trap '[ $? = 0 ] || { tail -n 20 $root/log/* >&2; "$here/stop-slurm.sh"; }' EXIT
mkdir -p $root/{log,run,state,spool,database} /etc/slurm
echo $PPID > $root/starter
export SLURM_CONF=$root/slurm.conf

wait_for() { # wait_for WHAT COMMAND...: 30 seconds at most
    local what=$1 end=$((SECONDS + 30))
    shift
    until timeout 5 "$@" > /dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "$what is not up after 30 s"
        sleep 0.2
    done
}

# ---- configuration
nodes="NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000"
cat > $root/slurm.conf << CONF
ClusterName=grover
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$controller_port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$root/run/munge.sock
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool/%n
SlurmctldLogFile=$root/log/slurmctld.log
SlurmdLogFile=$root/log/slurmd-%n.log
SlurmctldPidFile=$root/run/slurmctld.pid
SlurmdPidFile=$root/run/slurmd-%n.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=10
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$accounting_port
AccountingStoragePass=$root/run/munge.sock
AccountingStorageTRES=gres/gpu
AccountingStorageEnforce=associations
AccountingStoreFlags=job_comment
NodeName=c1 Port=26811 $nodes
NodeName=c2 Port=26812 $nodes
NodeName=c3 Port=26813 $nodes
NodeName=c4 Port=26814 $nodes
NodeName=c5 Port=26817 $nodes
NodeName=g1 Port=26815 $nodes Gres=gpu:2
NodeName=g2 Port=26816 $nodes Gres=gpu:2
PartitionName=cpu Nodes=c1,c2 MaxTime=7-0
PartitionName=gpu Nodes=g1,g2 MaxTime=7-0
PartitionName=low Nodes=c3,c4 MaxTime=7-0 PriorityTier=1
PartitionName=urgent Nodes=c3,c4 MaxTime=7-0 PriorityTier=10 PreemptMode=OFF
PartitionName=background Nodes=c5 MaxTime=7-0 PriorityTier=1
PartitionName=foreground Nodes=c5 MaxTime=7-0 PriorityTier=10 PreemptMode=OFF
CONF
# SLURM wants a character device for each GPU; without the flag it would point jobs to real ones where there are any
ln -s /dev/null $root/gpu0
ln -s /dev/null $root/gpu1
echo "NodeName=g[1-2] Name=gpu File=$root/gpu[0-1] Flags=no_gpu_env" > $root/gres.conf
install -m 600 /dev/stdin $root/slurmdbd.conf << CONF
AuthType=auth/munge
AuthInfo=socket=$root/run/munge.sock
DbdHost=$(hostname -s)
DbdAddr=127.0.0.1
DbdPort=$accounting_port
SlurmUser=root
LogFile=$root/log/slurmdbd.log
PidFile=$root/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$database_port
StorageUser=slurm
StoragePass=slurm
CONF
ln -sfn $root/slurm.conf $root/gres.conf /etc/slurm/

# ---- identity
install -m 600 <(head -c 128 /dev/urandom) $root/munge.key
munged --force --key-file=$root/munge.key --socket=$root/run/munge.sock --pid-file=$root/run/munged.pid \
    --log-file=$root/log/munged.log --seed-file=$root/munge.seed
wait_for munged test -S $root/run/munge.sock

# ---- accounting
database() { mariadb --no-defaults --socket=$root/run/mariadb.sock --user=root "$@"; }
export -f database
export root
mariadb-install-db --no-defaults --user=root --datadir=$root/database --skip-test-db \
    --auth-root-authentication-method=normal --innodb-log-file-size=8M > $root/log/mariadb.log 2>&1
setsid mariadbd --no-defaults --user=root --datadir=$root/database --socket=$root/run/mariadb.sock --port=$database_port \
    --bind-address=127.0.0.1 --pid-file=$root/run/mariadbd.pid --innodb-log-file-size=8M --innodb-buffer-pool-size=64M \
    --innodb-lock-wait-timeout=900 --skip-name-resolve > $root/log/mariadb.log 2>&1 < /dev/null &
wait_for mariadbd bash -c "database --execute 'SELECT 1'"
database --execute "CREATE USER slurm@'127.0.0.1' IDENTIFIED BY 'slurm'; GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1'"
slurmdbd
wait_for slurmdbd sacctmgr --noheader list cluster
{
    sacctmgr --immediate add cluster grover
    sacctmgr --immediate add account grover
    sacctmgr --immediate add user root account=grover
} > $root/log/sacctmgr.log 2>&1

# ---- controller and nodes
slurmctld -i
wait_for slurmctld scontrol ping
for node in c1 c2 c3 c4 c5 g1 g2; do slurmd -N $node; done
wait_for "a node" bash -c '[ "$(sinfo --noheader --Node --format="%N %T" | sort -u | grep -c " idle$")" = 7 ]'
