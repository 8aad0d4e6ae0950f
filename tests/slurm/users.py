"""Two ordinary users of one read-only installation: each with a home, a umask and a working directory of their own."""

import pwd
import shutil
import subprocess
from pathlib import Path

from tests.installation import python_for_everyone
from tests.slurm.runs import Run


def add_user(name: str, home: Path) -> None:
    """Make a user without a password, known to SLURM's accounting, whose home nobody else can read."""
    subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", f"--home-dir={home}", name], check=True)
    home.mkdir(mode=0o700)
    shutil.chown(home, name, name)
    subprocess.run(["sacctmgr", "--immediate", "add", "user", name, "account=grover"], check=True, capture_output=True)


def remove_user(name: str) -> None:
    subprocess.run(["userdel", name], check=True)


def exists(name: str) -> bool:
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and modification time of each file and folder of an installation."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")
    }


class UserRun(Run):
    """A working directory that a user made in their home, and the driver that they start there as the documentation says."""

    def __init__(self, root: Path, user: str, umask: int, **variables: str):
        home = Path(pwd.getpwnam(user).pw_dir)
        super().__init__(root, home / "run", **variables)
        shutil.chown(self.folder, user, user)
        self.folder.chmod(0o777 & ~umask)
        self.output = home.with_name(f"{user}.txt")
        self.environment |= {"HOME": str(home), "USER": user, "LOGNAME": user}
        del self.environment["XDG_CACHE_HOME"]  # then ~/.cache
        self.python, variables = python_for_everyone()
        self.environment |= variables
        self.identity = {"user": user, "group": user, "extra_groups": [], "umask": umask}

    def configure(self, overlay: str) -> "UserRun":
        super().configure(overlay)
        shutil.chown(self.folder / "overlay.yaml", self.identity["user"], self.identity["group"])
        return self

    def start(self, *arguments: str, slurm: bool = True) -> "UserRun":
        """Type `snakemake` in the working directory, with the paths of the installation."""
        configuration = [self.root / "config/test.yaml", self.folder / "overlay.yaml"]
        command = [
            self.python,
            "-m",
            "snakemake",
            *arguments,
            "--snakefile",
            self.root / "Snakefile",
            "--directory",
            self.folder,
        ]
        command += ["--profile", self.root / "profiles/slurm", "--slurm-init-seconds-before-status-checks", "3"]
        with open(self.output, "a") as stream:
            self.process = subprocess.Popen(
                [*command, "--configfile", *configuration],
                cwd=self.folder,
                env=self.environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self.identity,
            )
        return self

    def command(self, *arguments: str | Path) -> subprocess.CompletedProcess:
        """Run the Python of the installation as this user."""
        return subprocess.run(
            [self.python, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment | {"PYTHONPATH": f"{self.root}:{self.environment.get('PYTHONPATH', '')}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self.identity,
        )
