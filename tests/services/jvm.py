"""tests/services/jvm.py - small Java programs of the tests' own, in java/: compiled when they are run."""
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent / "java"


def program(name, jars, folder):
    """The command that runs java/NAME.java, in its classes compiled into `folder`."""
    subprocess.run(["javac", "-Xlint:all,-path", "-Werror", "-d", folder, "-cp", f"{jars}/*", HERE / f"{name}.java"], check=True)
    return ["java", "-Xms64m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", f"{folder}:{jars}/*", name]
